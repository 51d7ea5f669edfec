/**
 * Benches, run by hand: each measures a part against an anchor in the same run and prints the ratio, because absolute
 * figures of two machines cannot be compared. Not tests; nothing in the build depends on a figure.
 */
@NullMarked
package io.tallystick.bench;

import org.jspecify.annotations.NullMarked;
