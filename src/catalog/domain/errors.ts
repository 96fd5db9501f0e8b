import { ToolkitError, quote } from '../../shared/errors.js';

/** Two records of one tenant claim the same course id: the second is refused, the first stays. */
export class CourseIdTakenError extends ToolkitError {
  readonly code = 'ERR_COURSE_ID_TAKEN';
  readonly courseId: string;

  constructor(courseId: string, source: string, externalId: string) {
    super(
      `course id ${quote(courseId)} already belongs to ${quote(externalId)} of source ${quote(source)}: give the new record another id, or the same source and external_id to update it`,
    );
    this.courseId = courseId;
  }
}
