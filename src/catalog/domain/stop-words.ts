const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));

/** Words that say nothing about a course, folded, by primary language subtag. */
export const STOP_WORDS: Readonly<Record<string, ReadonlySet<string>>> = {
  en: words(
    'a about all also am an and any are as at be been but by can could do does for from get had has have how i if in into is it its just like me my need no not of on or our please should show so some than that the their them then there these they this to us want was we were what when where which who will with would you your',
  ),
  de: words(
    'aber alle als also am an auch auf aus bei bin bis das dass dem den der des die dir du ein eine einem einen einer eines er es fur hat haben ich ihr im in ist ja kann kein mehr mein mich mir mit mochte nach nicht noch nur oder sich sie sind so uber um und uns von vom vor was wenn wer wie will wir wird zu zum zur',
  ),
  es: words(
    'a al algo como con de del donde e el ella en es esta este esto hay la las lo los mas me mi muy no nos o para pero por que quiero se ser si sin sobre son su sus te tu un una unos y ya yo',
  ),
  fr: words(
    'a au aux avec ce ces cette comme dans de des du elle en est et il ils je la le les leur mais me mes mon ne nous on ou ou par pas plus pour qu que qui sa se ses son sur te tu un une vos votre vous veux',
  ),
};

/** Words that people put around a goal and that name nothing to learn, folded. */
export const GOAL_NOISE: ReadonlySet<string> = words(
  'become becoming better career change changing course courses find get getting goal help improve job know learn learning lernen master move moving need skill skills start starting study switch switching take teach train training understand want werden work working world aprender mejorar ser',
);
