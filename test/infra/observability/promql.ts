/** What an expression of Prometheus asks for, by Prometheus's own grammar. */
import { parser } from '@prometheus-io/lezer-promql';

export type Selector = { readonly metric: string; readonly labels: readonly string[] };
export type Parsed = { readonly isValid: boolean; readonly selectors: readonly Selector[]; readonly grouping: readonly string[] };

export const parsePromql = (text: string): Parsed => {
  let isValid = true;
  const selectors: { metric: string; labels: string[] }[] = [];
  const grouping: string[] = [];
  parser.parse(text).iterate({
    enter: ({ name, from, to, type, node }) => {
      if (type.isError) isValid = false;
      const words = text.slice(from, to);
      if (name === 'VectorSelector') selectors.push({ metric: '', labels: [] });
      const selector = selectors.at(-1);
      if (name === 'Identifier' && node.parent?.name === 'VectorSelector' && selector !== undefined) selector.metric = words;
      if (name !== 'LabelName') return;
      if (node.parent?.name === 'GroupingLabels') grouping.push(words);
      else selector?.labels.push(words);
    },
  });
  return { isValid, selectors, grouping };
};
