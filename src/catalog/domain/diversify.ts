import type { Course } from './course.js';

const RELEVANCE = 0.8;
/** How far down the list variety may reach. */
const POOL = 60;
const WINDOW = 10;
const PER_PROVIDER = 2;

/**
 * Reorders a ranked list so that near-duplicates do not stand side by side (maximal marginal relevance on subject and
 * skills), with at most two courses per provider in each ten while others are left. The best one stays first.
 */
export function diversify<Item extends { readonly course: Course; readonly score: number }>(
  ranked: readonly Item[],
): Item[] {
  const pool = ranked.slice(0, POOL);
  const top = pool[0]?.score ?? 0;
  const chosen: Item[] = [];
  while (pool.length > 0) {
    const window = chosen.slice(-(WINDOW - 1));
    const isFree = (item: Item): boolean =>
      window.filter(({ course }) => course.provider === item.course.provider).length < PER_PROVIDER;
    const allowed = pool.some(isFree) ? pool.filter(isFree) : pool;
    let best = allowed[0] as Item;
    let bestValue = -Infinity;
    for (const item of allowed) {
      const relevance = top > 0 ? item.score / top : 0;
      const likeness = Math.max(0, ...chosen.map(({ course }) => likenessOf(course, item.course)));
      const value = RELEVANCE * relevance - (1 - RELEVANCE) * likeness;
      if (value > bestValue) {
        best = item;
        bestValue = value;
      }
    }
    chosen.push(best);
    pool.splice(pool.indexOf(best), 1);
  }
  return [...chosen, ...ranked.slice(POOL)];
}

/** Shared part of subject and skills, 0 to 1. */
function likenessOf(a: Course, b: Course): number {
  const [left, right] = [traitsOf(a), traitsOf(b)];
  const both = [...left].filter((trait) => right.has(trait)).length;
  return both / (left.size + right.size - both);
}

function traitsOf(course: Course): Set<string> {
  return new Set([`subject:${course.subject}`, ...course.teaches.map(({ skill }) => skill)]);
}
