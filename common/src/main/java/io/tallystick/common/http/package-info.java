/**
 * HTTP/1.1 as both halves take it. Owns: where a request begins and ends, and what is no request. Does not own: sockets,
 * time-outs, what a request means.
 */
@NullMarked
package io.tallystick.common.http;

import org.jspecify.annotations.NullMarked;
