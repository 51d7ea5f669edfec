/**
 * The HTTP edge, knowing no feature. Owns: route declarations, limits, authentication and role checks, decoding helpers,
 * paging, the one mapping of errors to problem documents, health and metrics. Features declare {@link
 * io.tallystick.aggregator.web.Route}s in their {@code http} packages; {@code account} implements {@link
 * io.tallystick.aggregator.web.Authenticator}.
 */
@NullMarked
package io.tallystick.aggregator.web;

import org.jspecify.annotations.NullMarked;
