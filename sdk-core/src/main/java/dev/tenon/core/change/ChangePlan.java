package dev.tenon.core.change;

import dev.tenon.api.InstanceSpec;
import dev.tenon.api.OperationKind;
import dev.tenon.api.Preview;
import dev.tenon.api.Resources;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * A change as it will be carried out.
 *
 * @param kind what it does
 * @param spec what the instance is then
 * @param resources what each member gets then
 * @param size the size it leads to, if it changes that
 * @param steps names of its steps, in order
 * @param restart whether the database restarts
 * @param interruption how long clients are without service
 * @param differences what changes
 * @param approval whether somebody else must approve it
 * @param purge whether the instance is gone then
 * @param warnings what a person should know before
 */
public record ChangePlan(
        OperationKind kind,
        InstanceSpec spec,
        Resources resources,
        Optional<Resources> size,
        List<String> steps,
        boolean restart,
        Duration interruption,
        List<Preview.Difference> differences,
        boolean approval,
        boolean purge,
        List<Preview.Warning> warnings) {}
