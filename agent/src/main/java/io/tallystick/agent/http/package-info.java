/**
 * The HTTP/1.1 server under the local API. Owns: sockets, framing, caps and time-outs. Does not own: routes, who may call,
 * what a body means. The JDK's server reads each request on a thread that waits for it, so that a few slow clients keep
 * all others out, and takes framing that can be read in two ways.
 */
@NullMarked
package io.tallystick.agent.http;

import org.jspecify.annotations.NullMarked;
