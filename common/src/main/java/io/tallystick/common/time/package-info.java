/** The one clock of a process, and the sandbox's movable one. */
@NullMarked
package io.tallystick.common.time;

import org.jspecify.annotations.NullMarked;
