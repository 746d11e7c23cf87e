/** Windows that are looked at, newest first, beyond the time that labels take. */
export const windowsBack = 30;
