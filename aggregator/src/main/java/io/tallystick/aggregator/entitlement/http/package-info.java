/** HTTP of {@code entitlement}: decode, call the service, encode; no rules here. */
@NullMarked
package io.tallystick.aggregator.entitlement.http;

import org.jspecify.annotations.NullMarked;
