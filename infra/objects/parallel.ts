/** Maps with at most `width` in work at once; answers in the order of the inputs. The first failure ends it. */
export const mapParallel = async <In, Out>(
  inputs: readonly In[],
  width: number,
  work: (input: In) => Promise<Out>,
): Promise<readonly Out[]> => {
  const outputs = new Array<Out>(inputs.length);
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < inputs.length) {
      const index = next;
      next += 1;
      try {
        outputs[index] = await work(inputs[index] as In);
      } catch (error) {
        next = inputs.length;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, inputs.length) }, lane));
  return outputs;
};
