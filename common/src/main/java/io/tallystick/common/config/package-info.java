/** Flat key = value configuration files: unknown keys refused, every problem reported at once. */
@NullMarked
package io.tallystick.common.config;

import org.jspecify.annotations.NullMarked;
