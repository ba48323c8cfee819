// What the documents promise of themselves: links lead somewhere, every error has its section, the README is short.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SonaError } from '../index.ts';
import { root } from './support/child.ts';

const pages = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md'].concat(
  readdirSync(join(root, 'docs')).map((file) => `docs/${file}`),
);
const read = (page: string) => readFileSync(join(root, page), 'utf8');

/** Anchors of a page, as they are made of its headings. */
function anchors(page: string): Set<string> {
  const headings = Array.from(read(page).matchAll(/^#+ (.+)$/gm), ([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  );
}

describe.each(pages)('%s', (page) => {
  it('has links that lead somewhere', () => {
    const links = Array.from(read(page).matchAll(/\]\(([^)\s]+)\)/g), ([, link = '']) => link);
    for (const link of links.filter((link) => !/^https?:/.test(link))) {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : join(dirname(page), path);
      expect(existsSync(join(root, target)), link).toBe(true);
      if (anchor !== undefined) expect(anchors(target), link).toContain(anchor);
    }
  });
});

describe('docs/errors.md', () => {
  it('has a section for every code, and no other', () => {
    const codes = Array.from(
      read('ts/base/error-details.ts').matchAll(/^ {2}(SONA_\w+): /gm),
      ([, code]) => code,
    );
    const sections = Array.from(read('docs/errors.md').matchAll(/^## (\w+)$/gm), ([, code]) => code);
    expect(sections.sort()).toEqual(codes.sort());
    const { help } = new SonaError('SONA_CLOSED', 'closed');
    expect(help).toMatch(/\/docs\/errors\.md#sona_closed$/);
  });
});

describe('README.md', () => {
  it('is at most 8 KB', () => {
    expect(Buffer.byteLength(read('README.md'))).toBeLessThanOrEqual(8_192);
  });
});
