/** What crosses the wire between agent and aggregator, one record per message, each with its own strict codec. */
@NullMarked
package io.tallystick.common.wire;

import org.jspecify.annotations.NullMarked;
