//! The binary as its users meet it: started as a process, watched through what it prints, asked over HTTP.

#[cfg(test)]
mod certificates;
#[cfg(test)]
mod coherent;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod dates;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod drain;
#[cfg(test)]
mod guide;
#[cfg(test)]
mod handover;
#[cfg(test)]
mod http;
#[cfg(test)]
mod import;
#[cfg(test)]
mod machine;
#[cfg(test)]
mod members;
#[cfg(test)]
mod mesh_members;
#[cfg(test)]
mod moves;
#[cfg(test)]
mod ready;
#[cfg(test)]
mod route_keys;
#[cfg(test)]
mod running;
#[cfg(test)]
mod serve;
#[cfg(test)]
mod sign_ins;
