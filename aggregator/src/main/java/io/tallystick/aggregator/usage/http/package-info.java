/** HTTP of {@code usage}: decode, call the service, encode; no rules here. */
@NullMarked
package io.tallystick.aggregator.usage.http;

import org.jspecify.annotations.NullMarked;
