/** Where the table lies: `multilingual({ path })` of `@sona/sona/embed`, which finds it by itself where it can. */
export declare const path: string;
/** Languages of the texts that the pieces and their vectors were learned from, as BCP 47 has them. */
export declare const languages: readonly string[];
