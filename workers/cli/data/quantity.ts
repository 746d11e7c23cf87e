const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** 2543095 as "2.4 MiB". */
export const formatBytes = (bytes: number): string => {
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${units[power]}`;
};

export const formatCount = (count: number): string => count.toLocaleString('en-US');
