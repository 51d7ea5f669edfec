/** REST of reports. Decodes, calls the service, encodes; decides nothing. */
@NullMarked
package io.tallystick.aggregator.report.http;

import org.jspecify.annotations.NullMarked;
