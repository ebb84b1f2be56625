import Support

/// Which part of a container's log is wanted, and in what form (`core/v1.PodLogOptions`).
struct LogOptions: Hashable, Sendable {
    /// One of the two outputs of a process.
    enum Stream: String, Hashable, Sendable {
        case stdout, stderr
    }

    /// Go on with what is still to be written, until the container has ended.
    var isFollowing = false
    /// The log of the container's run before this one.
    var isPrevious = false
    /// Put the time before each line.
    var hasTimestamps = false
    /// Leave out what was written earlier.
    var since: Timestamp?
    /// Begin with the last so many lines; `nil` for all.
    var tailLines: Int?
    /// End after so many bytes, also in the middle of a line.
    var limitBytes: Int?
    /// `nil` for both.
    var stream: Stream?
}
