import API
import APIMachinery
import Runtime
import Support
import Synchronization

/// Removes images that nobody uses, to make room.
///
/// What containers have, in whatever state, what pods mount as volumes, what is pinned (the pause image, what came from
/// `agent/images`) and what has just come stays.
final class ImageCollector: Sendable {
    private let service: any ImageService
    private let runtime: any RuntimeService
    private let table: PodTable
    private let limits: ImageLimits
    private let ledger = Mutex(ImageLedger())
    private let observer: @Sendable (_ ids: Set<String>, _ time: Timestamp) -> Void

    /// `observer` is told the images that were left at some time, after others were removed.
    init(
        _ service: any ImageService, _ runtime: any RuntimeService, _ table: PodTable, _ limits: ImageLimits,
        observer: @escaping @Sendable (_ ids: Set<String>, _ time: Timestamp) -> Void = { _, _ in }
    ) {
        self.observer = observer
        self.service = service
        self.runtime = runtime
        self.table = table
        self.limits = limits
    }

    /// A container starts with the image of this id.
    func use(_ id: String) { ledger.withLock { $0.use(id, now: .sinceBoot) } }

    /// Removes images until `bytes` are free (`nil`: all that can go). Returns how much that was; what the runtime does
    /// not let go of stays.
    func collect(toFree bytes: Int64?) async throws(Fault) -> Int64 {
        let time = Timestamp.now
        let images = try await service.listImages()
        let used = try await references()
        let victims = ledger.withLock { $0.victims(images, inUse: used, toFree: bytes, limits, now: .sinceBoot) }
        var freed: Int64 = 0
        var left = Set(images.map(\.id))
        var failure: Fault?
        for image in victims {
            do throws(Fault) {
                try await service.removeImage(CRI.ImageSpec(image.id))
                left.remove(image.id)
                freed = Int64(clamping: Int128(freed) + Int128(image.size))
            } catch {
                failure = error
            }
        }
        observer(left, time)
        if freed == 0, let failure { throw failure }
        return freed
    }

    private func references() async throws(Fault) -> Set<String> {
        var names: Set<String> = []
        for container in try await runtime.listContainers(CRI.ContainerFilter()) {
            names.formUnion([container.imageRef, container.imageID, container.image.image])
        }
        for pod in table.pods() {
            for volume in pod.spec.volumes {
                guard let source = volume.image, let reference = ImageReference(source.reference) else { continue }
                names.insert(reference.description)
            }
        }
        return names
    }
}
