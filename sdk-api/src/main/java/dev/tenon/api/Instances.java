package dev.tenon.api;

import java.util.Optional;
import java.util.function.Consumer;

/** Instances of one tenant. Thread-safe. */
public interface Instances {
    /**
     * Makes an instance.
     *
     * @param spec fills the specification
     * @throws InvalidSpecException if a field is wrong; nothing was stored
     * @throws ConflictException {@code NAME_TAKEN}, {@code QUOTA_EXCEEDED}, {@code CAPACITY_EXCEEDED}
     */
    default Operation<Instance> create(Consumer<InstanceSpec.Builder> spec) {
        InstanceSpec.Builder builder = InstanceSpec.builder();
        spec.accept(builder);
        return create(builder.build());
    }

    /** Makes an instance; errors as for {@link #create(Consumer)}. */
    Operation<Instance> create(InstanceSpec spec);

    /** Returns what creating it would do. */
    Preview preview(InstanceSpec spec);

    /**
     * Makes an instance if that still does exactly what the preview said.
     *
     * @param password the owner's password, which a preview does not carry; generated if absent
     * @throws ConflictException {@code STALE} if the world moved since
     */
    Operation<Instance> create(Preview preview, Optional<Secret> password);

    /**
     * Finds an instance by id, also in the recycle bin.
     *
     * @throws NotFoundException {@code NOT_FOUND} if this tenant has none; {@code GONE} if it was purged
     */
    Instance get(InstanceId id);

    /** Finds an instance by its technical name, also in the recycle bin. */
    Optional<Instance> find(String name);

    /** Lists instances, newest first. */
    Page<InstanceView> list(InstanceFilter filter, PageRequest page);
}
