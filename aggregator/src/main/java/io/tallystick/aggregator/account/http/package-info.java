/** HTTP of accounts and API tokens: decode, call, encode. */
@NullMarked
package io.tallystick.aggregator.account.http;

import org.jspecify.annotations.NullMarked;
