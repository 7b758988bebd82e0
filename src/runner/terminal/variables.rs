//! What a program gets in its environment, on its way to the attendant. It isn't the attendant's own environment: there
//! it would decide how opward itself is loaded.

use zeroize::Zeroizing;

use crate::memory::Payload;

/// One variable.
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) value: Zeroizing<Vec<u8>>,
}

/// The variables one after the other: each the lengths of its name and its value, and then these; `None` where a length
/// is more than four bytes can tell.
pub(super) fn written(variables: &[(String, Payload)]) -> Option<Zeroizing<Vec<u8>>> {
    let length = |(name, value): &(String, Payload)| 8 + name.len() + value.hand_over(<[u8]>::len);
    // Sized once: a buffer that grows leaves pieces of values behind.
    let mut frame = Zeroizing::new(Vec::with_capacity(variables.iter().map(length).sum()));
    for (name, value) in variables {
        value.hand_over(|value| {
            frame.extend(u32::try_from(name.len()).ok()?.to_le_bytes());
            frame.extend(u32::try_from(value.len()).ok()?.to_le_bytes());
            frame.extend(name.as_bytes());
            frame.extend(value);
            Some(())
        })?;
    }
    Some(frame)
}

/// The variables that bytes are, if they are some.
pub(super) fn read(mut frame: &[u8]) -> Option<Vec<Variable>> {
    let mut variables = Vec::new();
    while !frame.is_empty() {
        let (name, value) = (length(&mut frame)?, length(&mut frame)?);
        let name = str::from_utf8(frame.split_off(..name)?).ok()?.to_owned();
        let value = Zeroizing::new(frame.split_off(..value)?.to_vec());
        variables.push(Variable { name, value });
    }
    Some(variables)
}

fn length(frame: &mut &[u8]) -> Option<usize> {
    let bytes = frame.split_off(..4)?;
    usize::try_from(u32::from_le_bytes(bytes.try_into().ok()?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else_is() {
        let all = [("A", "one"), ("EMPTY", ""), ("B", "=\n\u{1}")];
        let payload = |text: &str| Payload::new(Zeroizing::new(text.as_bytes().to_vec()));
        let frame = written(&all.map(|(name, value)| (name.to_owned(), payload(value)))).unwrap();
        let read_back = read(&frame).unwrap();
        let texts = read_back.iter().map(|one| (one.name.as_str(), str::from_utf8(&one.value).unwrap()));
        assert_eq!(texts.collect::<Vec<_>>(), all);
        assert!(read(&[]).unwrap().is_empty());
        for cut in 1..12 {
            assert!(read(&frame[..cut]).is_none(), "{cut} bytes");
        }
    }
}
