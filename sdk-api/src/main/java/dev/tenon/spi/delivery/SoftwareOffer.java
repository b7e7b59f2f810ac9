package dev.tenon.spi.delivery;

import dev.tenon.spi.workload.Software;

/**
 * Software that a place can run.
 *
 * @param software engine and version as users name it
 * @param build the exact build, such as {@code 17.11}
 * @param source where it comes from, for people: {@code embedded}, {@code installed: /usr/lib/postgresql/15}
 */
public record SoftwareOffer(Software software, String build, String source) {}
