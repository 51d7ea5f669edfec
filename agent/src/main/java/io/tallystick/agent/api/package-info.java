/**
 * The local HTTP API on loopback: routes, limits, problem documents. Decides nothing itself.
 */
@NullMarked
package io.tallystick.agent.api;

import org.jspecify.annotations.NullMarked;
