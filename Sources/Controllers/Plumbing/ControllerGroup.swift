import APIMachinery
import Client
import Logging

/// Runs controllers and the recorder of their events together, until the task is cancelled.
public struct ControllerGroup: Sendable {
    private let controllers: [any Controller]

    /// How long a controller that could not begin waits before it tries again: doubling from the first to the
    /// second.
    private static let retry: (first: Duration, most: Duration) = (.milliseconds(250), .seconds(30))

    public init(_ controllers: [any Controller]) { self.controllers = controllers }

    public func run(_ context: ControllerContext) async {
        await withTaskGroup { group in
            group.addTask { await context.events.run() }
            for controller in controllers {
                group.addTask { await Self.keepRunning(controller, context) }
            }
        }
    }

    private static func keepRunning(_ controller: any Controller, _ context: ControllerContext) async {
        var context = context
        context.log[metadataKey: "controller"] = "\(controller.name)"
        context.events = context.events.named(controller.name)
        // As Kubernetes names queues: `deployment`, `replicaset`.
        context.figure = context.figures?.queue(
            controller.name.hasSuffix("-controller") ? String(controller.name.dropLast(11)) : controller.name)
        var delay = retry.first
        while !Task.isCancelled {
            do throws(Status) {
                try await controller.run(context)
                return
            } catch {
                context.log.error("cannot observe the cluster; trying again in \(delay): \(error)")
            }
            // Cancellation ends the sleep, and then the loop.
            try? await context.clock.sleep(for: delay)
            delay = min(delay * 2, retry.most)
        }
    }
}
