/** Error codes of the protocol and the one exception that carries them. HTTP status codes are the edge's business. */
@NullMarked
package io.tallystick.common.error;

import org.jspecify.annotations.NullMarked;
