import Synchronization

/// The seat of a watch while it begins: it is given back when the client was sent what the watch begins with, or when
/// there is no watch after all (KEP-1040, "Support for WATCH requests").
final class WatchOpening: Sendable {
    private let seat: FlowControl.Seat
    private let hasEnded = Atomic(false)

    init(_ seat: FlowControl.Seat) { self.seat = seat }

    /// Gives the seat back, once however often it is called.
    func end() {
        guard !hasEnded.exchange(true, ordering: .acquiringAndReleasing) else { return }
        seat.end()
    }
}
