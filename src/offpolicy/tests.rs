mod coverage;
mod exact;
mod model;
mod refusals;
