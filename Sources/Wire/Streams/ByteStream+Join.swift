extension ByteStream {
    /// Moves bytes both ways until both directions have ended or a connection is lost; then both streams are closed.
    ///
    /// The end of one direction is passed on. The other then has `linger` to end too, because a peer that is gone and
    /// one that only has nothing more to say look the same. Cancel the task to end it at once.
    public func join(_ other: any ByteStream, linger: Duration = .seconds(10)) async {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { await move(from: self, to: other) }
            group.addTask { await move(from: other, to: self) }
            if await group.next() == true {
                group.addTask {
                    try? await Task.sleep(for: linger)
                    return false
                }
                _ = await group.next()
            }
            group.cancelAll()
        }
        await close()
        await other.close()
    }
}

/// Moves bytes one way, and their end. False when that did not come to a good end.
private func move(from source: any ByteStream, to sink: any ByteStream) async -> Bool {
    do {
        while let bytes = try await source.read() { try await sink.write(bytes) }
        try await sink.closeWrite()
        return true
    } catch {
        return false
    }
}
