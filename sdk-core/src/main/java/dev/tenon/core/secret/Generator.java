package dev.tenon.core.secret;

import dev.tenon.api.InstanceId;
import dev.tenon.api.OperationId;
import dev.tenon.api.Secret;
import dev.tenon.api.TenantId;
import java.util.random.RandomGenerator;

/** Makes identifiers and passwords. Thread-safe if its source of randomness is. */
public final class Generator {
    private static final String BASE32 = "abcdefghijklmnopqrstuvwxyz234567";
    private static final String PASSWORD = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
    private static final int ID_LENGTH = 20;
    private static final int PASSWORD_LENGTH = 24;

    private final RandomGenerator random;

    /** Draws from {@code random}. */
    public Generator(RandomGenerator random) {
        this.random = random;
    }

    /** Returns a new tenant's identity. */
    public TenantId tenant() {
        return new TenantId(TenantId.PREFIX + id());
    }

    /** Returns a new instance's identity. */
    public InstanceId instance() {
        return new InstanceId(InstanceId.PREFIX + id());
    }

    /** Returns a new operation's identity. */
    public OperationId operation() {
        return new OperationId(OperationId.PREFIX + id());
    }

    /** Returns a name for this run of the control plane. */
    public String node() {
        return "node-" + id();
    }

    /** Returns a password of 24 characters, about 140 bits, without characters that look alike. */
    public Secret password() {
        StringBuilder text = new StringBuilder(PASSWORD_LENGTH);
        for (int i = 0; i < PASSWORD_LENGTH; i++) {
            text.append(PASSWORD.charAt(random.nextInt(PASSWORD.length())));
        }
        return Secret.of(text.toString());
    }

    /** Returns a number from 0 (inclusive) to 1 (exclusive), for jitter. */
    public double jitter() {
        return random.nextDouble();
    }

    private String id() {
        StringBuilder text = new StringBuilder(ID_LENGTH);
        long bits = 0;
        for (int i = 0; i < ID_LENGTH; i++) {
            if (i % 12 == 0) {
                bits = random.nextLong();
            }
            text.append(BASE32.charAt((int) (bits & 31)));
            bits >>>= 5;
        }
        return text.toString();
    }
}
