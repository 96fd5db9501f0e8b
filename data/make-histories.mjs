// Writes histories.ndjson: 600 invented course histories, the same at every run. Nobody is behind them: each follows
// one of the paths below, skips some steps, takes detours, and never takes a course before its hard prerequisites.
import { readFileSync, writeFileSync } from 'node:fs';

const here = new URL('.', import.meta.url);
const courses = readFileSync(new URL('courses.ndjson', here), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));
const byId = new Map(courses.map((course) => [course.id, course]));

// [share of the histories, how likely each step is taken, the steps in order]
const PATHS = [
  [
    8,
    0.7,
    'infection-control nursing-documentation medication-safety spreadsheet-basics health-informatics statistics-foundations sql-basics data-visualization-basics clinical-data-quality python-basics',
  ],
  [
    9,
    0.65,
    'infection-control nursing-documentation medication-safety triage-essentials patient-communication wound-care mental-health-first-response',
  ],
  [
    14,
    0.75,
    'spreadsheet-basics statistics-foundations sql-basics python-basics data-visualization-basics sql-analytics python-data-analysis statistics-inference data-storytelling data-analyst-capstone',
  ],
  [
    6,
    0.75,
    'python-basics spreadsheet-basics statistics-foundations python-data-analysis statistics-inference machine-learning-foundations machine-learning-practice',
  ],
  [
    6,
    0.7,
    'sql-basics python-basics git-basics data-modeling sql-analytics data-pipelines linux-command-line containers-in-practice',
  ],
  [
    10,
    0.7,
    'html-css-basics javascript-basics git-basics typescript-in-practice react-interfaces node-services accessible-web software-testing',
  ],
  [
    8,
    0.7,
    'linux-command-line git-basics networking-basics cloud-fundamentals containers-in-practice infrastructure-as-code kubernetes-operations site-reliability',
  ],
  [
    6,
    0.7,
    'security-awareness networking-basics network-security cryptography-intro incident-response privacy-by-design',
  ],
  [
    6,
    0.7,
    'design-principles typography-basics ui-design ux-research accessible-web product-management',
  ],
  [
    8,
    0.65,
    'project-management-basics business-writing agile-teams leading-small-teams negotiation-skills product-management',
  ],
  [
    6,
    0.65,
    'spreadsheet-basics accounting-basics spreadsheet-analysis financial-analysis dashboard-design',
  ],
  [
    5,
    0.7,
    'marketing-basics business-writing design-principles data-visualization-basics ux-research ui-design',
  ],
  [4, 0.7, 'german-a1 german-for-care pflegedokumentation-digital nursing-documentation'],
  [3, 0.8, 'spanish-a1 spanish-a2 japanese-first-steps'],
  [4, 0.8, 'tabellen-grundlagen sql-im-beruf statistik-verstehen datenschutz-im-betrieb'],
  [4, 0.8, 'hojas-de-calculo introduccion-a-python diseno-de-interfaces marketing-digital'],
  [
    4,
    0.7,
    'programming-first-steps java-basics csharp-basics cpp-modern rust-systems algorithms-practice',
  ],
];
const DETOURS =
  'security-awareness data-ethics business-writing git-basics spreadsheet-basics patient-communication'.split(
    ' ',
  );
const COUNT = 600;

let state = 20260101;
const random = () => {
  // A linear congruential generator: the file must not change when a runtime does.
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};

const total = PATHS.reduce((sum, [share]) => sum + share, 0);
const lines = [];
while (lines.length < COUNT) {
  let pick = random() * total;
  const [, likelihood, steps] = PATHS.find(([share]) => (pick -= share) < 0) ?? PATHS[0];
  const taken = [];
  const length = 2 + Math.floor(random() * 6);
  for (const id of steps.split(' ')) {
    if (taken.length >= length) break;
    if (random() < 0.08) add(taken, DETOURS[Math.floor(random() * DETOURS.length)]);
    if (random() < likelihood) add(taken, id);
  }
  if (taken.length >= 2) lines.push(JSON.stringify({ courses: taken }));
}
writeFileSync(new URL('histories.ndjson', here), `${lines.join('\n')}\n`);

function add(taken, id) {
  const hard = (byId.get(id)?.prerequisites ?? []).filter((need) => need.kind === 'hard');
  if (!taken.includes(id) && hard.every((need) => taken.includes(need.course))) taken.push(id);
}
