export { readCsv } from './csv.js';
export { importCourses } from './import-courses.js';
export { readNdjson } from './ndjson.js';
export type { RejectedRow, SourceRow } from './row.js';
