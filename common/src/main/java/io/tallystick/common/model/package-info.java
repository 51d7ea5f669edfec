/** Values both halves must agree on to the last digit: quantities, hours, ids, tags. */
@NullMarked
package io.tallystick.common.model;

import org.jspecify.annotations.NullMarked;
