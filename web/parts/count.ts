/** How many there are of something, with its thousands apart. */
export const count = new Intl.NumberFormat('en');
