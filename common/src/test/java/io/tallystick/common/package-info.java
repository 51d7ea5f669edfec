/** The rules all of common keeps: what it may depend on. Owns no production code. */
@NullMarked
package io.tallystick.common;

import org.jspecify.annotations.NullMarked;
