import Support

/// Notices that somebody set the time of day, as machines without a clock of their own do some time after
/// their start.
///
/// Pure: it is shown both clocks from time to time, the one that people set and the one that nobody can.
struct ClockWatch: Sendable {
    /// A machine that is kept in time is corrected by less between two looks.
    static let least = Duration.seconds(2)

    private var offset: Duration?

    /// By how much the time of day was set since the last look; `nil` when it was not.
    mutating func look(now: Timestamp, sinceBoot: Timestamp) -> Duration? {
        let present = now - sinceBoot
        defer { offset = present }
        guard let offset else { return nil }
        let jump = present - offset
        return jump > Self.least || jump < .zero - Self.least ? jump : nil
    }
}

extension Timestamp {
    /// Whether what has happened at this moment happened by a clock that was put back since. Events that are
    /// younger than a look, and clocks that are corrected a little, are not meant.
    func isBeyond(_ now: Timestamp) -> Bool { self - now > .seconds(60) }
}
