/** The JWS envelope (RFC 7515) over Ed25519 and nothing else, with every strictness rule of docs/protocol.md. */
@NullMarked
package io.tallystick.common.jose;

import org.jspecify.annotations.NullMarked;
