// Text and numbers of the page.

/** For use between tags and in quoted attributes. */
export const escaped = (text: string): string =>
  text.replace(
    /[&<>"']/g,
    (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[sign] as string,
  );

export const count = (n: number): string => Math.round(n).toLocaleString('en-US');

export const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

/** Coordinates: a tenth of a pixel is enough. */
export const px = (value: number): string => String(Math.round(value * 10) / 10);

/** US dollars per 1,000 calls. */
export const perThousand = (usd: number): string => `$${(1000 * usd).toFixed(2)}`;
