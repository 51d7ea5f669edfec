/** Strict JSON in, deterministic JSON out, over jackson-core; no data binding. */
@NullMarked
package io.tallystick.common.json;

import org.jspecify.annotations.NullMarked;
