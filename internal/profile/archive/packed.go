package archive

import (
	"encoding/binary"
	"io"

	"github.com/klauspost/compress/zstd"
)

// packed compresses what is written to it, so that an import accepts the result. If the content is so uniform that the archive would
// unpack to more than Limits.Ratio times its size, packed makes the archive larger than necessary.
type packed struct {
	out    counted
	z      *zstd.Encoder
	limits Limits
	size   int64 // bytes before compression
}

// counted counts the bytes that are written.
type counted struct {
	w io.Writer
	n int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

const (
	// packedStep is how many bytes are compressed between two checks of the ratio.
	packedStep = 64 << 10
	// packedAhead is for how many more bytes of content enlarge makes room at a time, because each enlargement begins a new frame.
	packedAhead = 16 << 20
	// skippable begins a frame that decoders skip (RFC 8878, section 3.1.2).
	skippable = 0x184D2A50
)

func newPacked(w io.Writer, l Limits) (*packed, error) {
	p := &packed{out: counted{w: w}, limits: l}
	var err error
	p.z, err = zstd.NewWriter(&p.out, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(maxWindow))
	return p, err
}

// Write compresses b. It fails with *Error if the content is more than an import accepts.
func (p *packed) Write(b []byte) (written int, err error) {
	for len(b) > 0 {
		step := b[:min(len(b), packedStep)]
		if err := p.limits.total(p.size + int64(len(step))); err != nil {
			return written, err
		}
		if p.limits.ratio(p.size+int64(len(step)), p.out.n) != nil {
			if err := p.enlarge(); err != nil {
				return written, err
			}
		}
		n, err := p.z.Write(step)
		written += n
		p.size += int64(n)
		if err != nil {
			return written, err
		}
		b = b[len(step):]
	}
	return written, nil
}

// enlarge ends the frame, which writes the encoder's buffered data, and writes an empty frame after it if the archive is still too
// small.
func (p *packed) enlarge() error {
	if err := p.z.Close(); err != nil {
		return err
	}
	if want := (p.size + packedAhead) / p.limits.Ratio; want > p.out.n {
		frame := make([]byte, 8+want-p.out.n)
		binary.LittleEndian.PutUint32(frame, skippable)
		binary.LittleEndian.PutUint32(frame[4:], uint32(len(frame)-8))
		if _, err := p.out.Write(frame); err != nil {
			return err
		}
	}
	p.z.Reset(&p.out)
	return nil
}

// Close writes the buffered data.
func (p *packed) Close() error {
	return p.z.Close()
}
