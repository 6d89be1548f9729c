// What can stand on a side of a comparison: a lens, by its engine or exactly, as it answers now or
// as one generation alone answers.

import { say } from '../words.js';

/** As the server names a side in its totals. */
const NAME = /^(\S+?)( exact)?(?:, generation (\d+)( alone)?)?$/;

/** Each lens as it is served, and with its truth. */
export function choicesOf(lenses) {
  const served = lenses.map((lens) => ({ value: lens, lens, exact: false, words: lens }));
  return [...served, ...lenses.map((lens) => ({ value: `${lens} exact`, lens, exact: true, words: say('truthOf', lens) }))];
}

/** What the address says of a side: one of the choices, and a generation, null for what is served. */
export function chosenOf(choices, params, side, place) {
  const version = params.get(`${side}-generation`) ?? '';
  const choice = choices.find(({ value }) => value === params.get(side)) ?? choices[place];
  return { ...choice, generation: /^\d{1,6}$/.test(version) ? Number(version) : null };
}

/** What is served, and each generation alone, the newest first; chosen ones that are gone, too. */
export function versionsOf(generations, chosen) {
  const kept = generations.filter(({ problem }) => problem === null).map((each) => each.number);
  const gone = chosen.map(({ generation }) => generation).filter((each) => each !== null && !kept.includes(each));
  const alone = [...new Set([...kept, ...gone])].sort((a, b) => b - a);
  return [
    { value: '', words: say('asServed') },
    ...alone.map((each) => ({ value: `${each}`, words: say(kept.includes(each) ? 'generationAlone' : 'generationGone', each) })),
  ];
}

/** A side's name in the reader's language; of one that was chosen, or as the server's totals have it. */
export function nameOfSide(side) {
  if (typeof side !== 'string') return named(side.words, side.generation, true);
  const [whole, lens, exact, generation, alone] = NAME.exec(side) ?? [side];
  if (!lens) return whole;
  return named(exact ? say('exactName', lens) : lens, generation ?? null, alone !== undefined);
}

function named(words, generation, isAlone) {
  return generation === null ? words : say('ofGeneration', words, generation, isAlone);
}
