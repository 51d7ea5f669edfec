/**
 * What vendor software reports: reading and checking calls, and the built-in uptime meter. Does not cut or send.
 */
@NullMarked
package io.tallystick.agent.meter;

import org.jspecify.annotations.NullMarked;
