/**
 * The way to PostgreSQL. Owns: the pool, transactions and their retries, migrations, SQLSTATE, number mapping, ids. Does
 * not own any table but Flyway's {@code schema_history}.
 */
@NullMarked
package io.tallystick.aggregator.db;

import org.jspecify.annotations.NullMarked;
