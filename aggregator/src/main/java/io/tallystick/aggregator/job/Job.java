package io.tallystick.aggregator.job;

/**
 * A job that was taken.
 *
 * @param key what it is about; there is one row per kind and key
 * @param requests how often it had been asked for when it was taken
 * @param attempts takings since it last got on, this one included
 * @param fence proves to the database that we still hold it
 */
public record Job(long id, String kind, String key, long requests, int attempts, long fence) {}
