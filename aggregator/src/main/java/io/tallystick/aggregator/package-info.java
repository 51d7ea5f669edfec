/** The aggregator. Packages and what they may use: {@code ArchitectureTest}. Nothing lives in this package itself. */
@NullMarked
package io.tallystick.aggregator;

import org.jspecify.annotations.NullMarked;
