import { z } from 'zod';
import type { Evidence } from '../domain/evidence.js';

const MAX_ITEMS = 10;

/** One shape for all kinds: a union would not pass every model vendor's schema checks. */
export interface EvidenceView {
  readonly kind: Evidence['kind'];
  readonly because?: string;
  readonly learners?: number;
  readonly of?: number;
  readonly share?: number;
  readonly goal?: string;
  readonly closes?: readonly {
    readonly skill: string;
    readonly from: number;
    readonly to: number;
  }[];
  readonly unlocks?: readonly string[];
  readonly words?: readonly string[];
  readonly updated?: string;
  readonly day?: string;
  readonly among?: number;
}

export const evidenceView: z.ZodType = z.object({
  kind: z.enum(['next', 'goal', 'prereq', 'content', 'popular', 'exploration', 'recent']),
  because: z.string().optional().describe('course in your history'),
  learners: z.number().optional().describe('who took this one (later)'),
  of: z.number().optional().describe('learners who took the course in because'),
  share: z.number().optional().describe('learners / of, or part of the goal gap closed'),
  goal: z.string().optional(),
  closes: z.array(z.object({ skill: z.string(), from: z.number(), to: z.number() })).optional(),
  unlocks: z.array(z.string()).optional(),
  words: z.array(z.string()).optional(),
  updated: z.string().optional(),
  day: z.string().optional(),
  among: z.number().optional().describe('further courses that fit'),
});

export function toEvidenceView(evidence: Evidence): EvidenceView {
  switch (evidence.kind) {
    case 'goal':
      return { ...evidence, closes: evidence.closes.slice(0, MAX_ITEMS) };
    case 'prereq':
      return { ...evidence, unlocks: [...evidence.unlocks] };
    case 'content':
      return { ...evidence, words: evidence.words.slice(0, MAX_ITEMS) };
    case 'next':
    case 'popular':
    case 'exploration':
    case 'recent':
      return { ...evidence };
    default:
      return evidence satisfies never;
  }
}
