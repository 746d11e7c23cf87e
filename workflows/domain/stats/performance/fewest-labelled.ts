/** As for the gate: fewer rows, or fewer of a class, and bounds are too narrow to be believed. */
export const fewestLabelledRows = 30;
export const fewestLabelledOfClass = 10;
