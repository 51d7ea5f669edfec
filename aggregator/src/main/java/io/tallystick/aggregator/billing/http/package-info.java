/** HTTP of {@code billing}: decode, call the service, encode; no rules here. */
@NullMarked
package io.tallystick.aggregator.billing.http;

import org.jspecify.annotations.NullMarked;
