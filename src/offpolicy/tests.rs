mod coverage;
mod exact;
mod model;
mod partial;
mod refusals;
