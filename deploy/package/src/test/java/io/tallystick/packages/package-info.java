/** Installs and runs what this module packs, in a root of its own that is thrown away. */
@NullMarked
package io.tallystick.packages;

import org.jspecify.annotations.NullMarked;
