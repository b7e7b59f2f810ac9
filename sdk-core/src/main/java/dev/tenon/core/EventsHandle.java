package dev.tenon.core;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.Event;
import dev.tenon.api.Events;
import dev.tenon.api.InstanceId;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.Subscription;
import dev.tenon.api.TenantId;
import dev.tenon.core.event.EventHub;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** Events of an instance, a tenant or the installation. */
record EventsHandle(EventHub hub, Optional<TenantId> tenant, Optional<InstanceId> instance) implements Events {
    private static final int MOST = 1_000;

    @Override
    public List<Event> after(long sequence, int limit) {
        return hub.after(tenant, instance, sequence, checked(limit));
    }

    @Override
    public List<Event> latest(int limit) {
        return hub.latest(tenant, instance, checked(limit));
    }

    @Override
    public Subscription subscribe(long afterSequence, Consumer<Event> listener) {
        return hub.subscribe(tenant, instance, afterSequence, listener);
    }

    private static int checked(int limit) {
        if (limit < 1 || limit > MOST) {
            throw new InvalidSpecException(ErrorCode.PAGE_INVALID, "limit", limit + "; expected 1 to " + MOST);
        }
        return limit;
    }
}
